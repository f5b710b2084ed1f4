"""Drawings of the house as inline SVG: posters of cut paper, doors, curtain, footlights, rows of heads."""
