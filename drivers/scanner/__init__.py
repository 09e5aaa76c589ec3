"""What every scanner is: the protocol, requests, errors, recipes, and which slide lies in the gate. Imports base."""
