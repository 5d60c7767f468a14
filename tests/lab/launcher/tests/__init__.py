"""The launcher's tests: each addition, through the API of a world that really runs."""
