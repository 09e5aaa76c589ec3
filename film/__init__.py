"""What film is: densities, grain, infrared leakage, mounts and damage. Imports nothing of ours."""
