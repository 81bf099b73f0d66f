"""Dashboards in Apache Superset, fed by what is published."""
