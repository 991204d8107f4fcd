"""What whoever made an entry of the trail is called: a person, a key, an operator under an access, or Stockade itself.

For a statement whose entry is ``e`` (with its ``request_id``), person ``p``, key ``k``, and tenant ``$1``.
"""

_TICKET = """coalesce(
    (select g.ticket from platform.break_glass g where g.tenant_id = $1 and g.id = e.subject_id),
    (select g.ticket from platform.break_glass_use u
        join platform.break_glass g on g.tenant_id = $1 and g.id = u.break_glass_id
        where u.tenant_id = $1 and u.request_id = e.request_id limit 1))"""
_OPERATOR = f"""case when e.actor_kind = 'operator' then (
    select 'Operator ' || w.name || coalesce(' by access ' || {_TICKET}, '')
    from platform.operators() w where w.operator_id = e.actor_id) end"""
ACTOR = f"coalesce(p.name, k.name, {_OPERATOR}, 'Stockade')"
"""Looked up for an operator's entries alone: others cost nothing more."""
