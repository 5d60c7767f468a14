"""Do the commands that people type do what they say? Without a compiler, a cloud or a network."""
