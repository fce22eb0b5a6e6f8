"""A soak: mixed calls for as long as one likes."""
