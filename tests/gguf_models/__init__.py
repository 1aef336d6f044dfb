"""Small real models, made when a test asks for one; the same arguments give the same bytes."""
