"""The launcher of the lab: MiniStack as the local AWS world, with what it lacks registered at start."""
