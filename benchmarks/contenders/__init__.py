"""What each contender does, in modules that only its own process imports."""
