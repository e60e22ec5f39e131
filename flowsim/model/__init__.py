"""The model: who the men are, how they decide, travel, queue, and what stops them."""
