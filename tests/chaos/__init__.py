"""The series of faults: the real stack is broken at named points, and must mend itself without a trace."""
