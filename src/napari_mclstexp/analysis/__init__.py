"""What people ask of a result: maps, contrast, agreement, pictures; knows no screen."""
