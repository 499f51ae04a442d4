def written_tables(*a):
    return iter(())
