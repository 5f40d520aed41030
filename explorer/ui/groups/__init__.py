"""The groups of the left panel: each ties its controls to paths of the scenario."""
