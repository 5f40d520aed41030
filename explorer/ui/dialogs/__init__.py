"""Dialogs: questions that need an answer before the document changes."""
