"""The parts of `bench_models`: what is compared, with whom, on which models, and how it is counted."""
