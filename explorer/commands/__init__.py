"""The commands of the command line, a module each, named as its command; `explorer.cli` imports those it needs."""
