"""What all figures share: sizes, type, panels, policy bars, and how a figure is saved."""
