"""Quality and speed beside the peers; run from the checkout as `python -m bench.NAME`. Not installed."""
