"""The outer loop: gold sets, sweeps over them, and what the numbers can say."""
