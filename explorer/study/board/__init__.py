"""The report to the board about one scenario: what it says, as texts and tables; how it is set is no matter of it."""
