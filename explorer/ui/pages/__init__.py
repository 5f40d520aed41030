"""The pages below the plots."""
