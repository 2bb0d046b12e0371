"""How each interaction is carried out, as a plan: a generator that yields partner calls and is sent their answers."""
