"""How do many slides become results, on whatever machines there are?"""
