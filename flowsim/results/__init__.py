"""Results: from men to what was counted, as tables, and the folders that hold them."""
