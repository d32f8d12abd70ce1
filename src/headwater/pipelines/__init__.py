"""Pipelines and what they deliver to: objects, revisions, deployments, secrets, and the snapshot every process follows.

A **pipeline** receives events under its write keys. An **integration** is a kit with parameter values, overrides and
delivery settings; each time it is saved a numbered **revision** is made that never changes. An **attachment** says which
revision of an integration a pipeline uses; a **deployment** changes that. All of it lives in PostgreSQL, every change is
one transaction that raises the configuration version, and every process holds a **snapshot** of the newest version.
"""
