"""The document: what is asked, read from and written to files, changed by path, and compared."""
