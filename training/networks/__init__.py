"""Networks: the segmentation network, its learning from sheets, its validation and its ONNX model with a card.

Needs PyTorch, except for `validation`. May import `training.sheets`, `training.mask_agreement` and `filmscand`.
"""
