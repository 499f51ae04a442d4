"""The dock Annotate: regions drawn, named and compared."""
