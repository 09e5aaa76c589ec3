"""Training of the dust detector, on simulated sheets of film. Run from the checkout; not installed.

Owns the commands `python -m training.NAME`: `train` trains a network, `export` writes a checkpoint as an ONNX model,
`look` draws what a model finds, `gather_photos` downloads photographs, `recipe` trains the network of a paper from 2023
to compare with. `sheets` draws training data, `networks` holds the network and its learning, `mask_agreement` compares
a mask with the truth.

May import `filmscand.film` and `filmscand.ir`, never `filmscand.daemon` and never `bench`.
"""
