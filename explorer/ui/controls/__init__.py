"""Controls that are touched: sliders with exact values, choice rows, chip list, folding groups."""
