"""What the person on call needs: looking into the Go side of a process, and steering it."""
