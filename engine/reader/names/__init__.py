"""Names of listed companies: the table that comes with the package, tables of the user's, and how the first is made."""
