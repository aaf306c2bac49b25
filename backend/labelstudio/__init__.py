"""The only code that knows Label Studio: its JSON, its labelling configs, its pictures and its SDK.

Percentages and (x, y) order exist in here and nowhere else.
"""
