"""Building Go functions of one's own against the core that is installed."""
