//! Finding the CLB of a Service among those that the mirror offers.
