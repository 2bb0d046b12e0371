"""How long things take. Nothing here is a test: no test says how long anything takes."""
