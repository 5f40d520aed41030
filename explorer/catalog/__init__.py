"""What can be chosen and how sure we are: chips, models, offers and supply chains with their provenance."""

from explorer.catalog.catalog import Catalog, load_catalog
from explorer.catalog.chip import Chip
from explorer.catalog.figure import Figure, Reading
from explorer.catalog.location import resource_root, scenario_root
from explorer.catalog.model import LayerGroup, Model, active_parameters, parameter_count
from explorer.catalog.offer import Offer
from explorer.catalog.supplier import TIERS, Candidate, SupplyChain, TierLink

__all__ = [
    "TIERS",
    "Candidate",
    "Catalog",
    "Chip",
    "Figure",
    "LayerGroup",
    "Model",
    "Offer",
    "Reading",
    "SupplyChain",
    "TierLink",
    "active_parameters",
    "load_catalog",
    "parameter_count",
    "resource_root",
    "scenario_root",
]
