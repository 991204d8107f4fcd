"""Questions to the live catalogue: each returns what is wrong, so no row is the good answer. Any role may ask."""

WHY_KEYS = {
    "tenancy.tenant_pkey": "the tenant itself; the tenants' roles may not insert",
    "tenancy.tenant_slug_key": "slugs are unique over the platform; only its operator inserts, and only it is told",
    "identity.membership_account_id_fkey": "an account is the platform's; its id has 74 random bits, "
    "and is never probed for",
    "identity.session_account_id_fkey": "as for membership",
    "identity.known_device_account_id_fkey": "as for membership",
    "identity.linked_identity_account_id_fkey": "as for membership",
    "platform.break_glass_pkey": "an access is the platform's and names its tenant; only the platform inserts",
    "platform.break_glass_token_hash_key": "the MAC of 256 random bits; only the platform writes it",
    "platform.break_glass_tenant_id_fkey": "the tenant itself; only the platform inserts",
    "platform.break_glass_operator_id_fkey": "operators are the platform's; only the platform inserts",
    "platform.break_glass_approved_by_fkey": "operators are the platform's; only the platform inserts",
    "platform.break_glass_use_break_glass_id_fkey": "written by a function that reads the access inside the pin",
    "jobs.pgqueuer_pkey": "a sequence's number",
    "jobs.pgqueuer_log_pkey": "a sequence's number",
    "jobs.pgqueuer_unique_dedupe_key": "the keys of jobs begin with the tenant's id; the tenants' roles cannot read "
    "them",
    "jobs.pgqueuer_picked_slot_idx": "slots are given by the worker, and hold no tenant's value",
}
"""Keys that do not begin with the tenant, and why they may."""

WHY_DEFINERS = {
    "identity.throttled(bytea[])": "how long some subjects wait; it names nobody",
    "identity.throttle_failure(uuid,bytea,text,integer,integer,integer,integer,integer)": "counts one subject",
    "identity.throttle_clear(bytea[])": "forgets the failures of some subjects",
    "identity.begin_pending(uuid,bytea,uuid,uuid,jsonb,interval)": "writes a sign-in that waits for a factor",
    "identity.find_pending(bytea)": "one secret at a time, before a tenant is known",
    "identity.fail_pending(bytea)": "counts a failure of one secret",
    "identity.end_pending(bytea)": "uses one secret up",
    "identity.signing_keys()": "the installation's own keys, sealed, for the gate",
    "identity.rotate_signing_keys(uuid,text,jsonb,bytea,interval,boolean)": "takes a fresh key, for the gate",
    "identity.places_of(uuid)": "one account at a time, for the gate alone",
    "identity.connection_of_domain(text)": "one proved domain at a time, for the gate",
    "identity.home_of_connection(uuid)": "one sign-on at a time, for the gate; nothing sealed",
    "identity.sign_on_demanded(uuid,uuid)": "one account in one tenant, for the gate",
    "identity.domain_is_free(uuid)": "answers yes or no about one of the pinned tenant's domains",
    "identity.begin_sso(uuid,bytea,bytea,uuid,uuid,text,text,interval)": "writes a sign-on that has begun",
    "identity.find_sso(bytea,uuid)": "one secret at a time, before a tenant is known",
    "identity.answer_sso(uuid,bytea)": "writes a sealed answer once; tells only whether it could",
    "identity.take_sso(bytea,bytea)": "uses one secret up",
    "identity.issuers_of(text,text[])": "the issuers that one token names, for the gate",
    "platform.guard_break_glass()": "a trigger: what an access may become",
    "platform.operator_of(uuid)": "the name behind one access to the pinned tenant",
    "platform.approver_of(uuid)": "the name behind one access to the pinned tenant",
    "platform.operators()": "the names behind accesses to the pinned tenant",
    "platform.note_use(uuid,bytea,text,text,uuid)": "writes only, under an access to the pinned tenant that is open",
    "platform.approve_as_customer(uuid,uuid)": "one access to the pinned tenant, as its trigger allows",
    "platform.end_as_customer(uuid,uuid)": "one access to the pinned tenant",
    "tenancy.verified_pin()": "reads the keys; only the auditor may ask",
    "tenancy.current_tenant()": "tells the pinned tenant, and nothing else",
    "tenancy.current_actor()": "tells the pinned actor, and nothing else",
    "audit.record()": "writes the trail",
    "audit.ensure_partitions(integer)": "makes empty partitions",
    "identity.find_account(text)": "one address at a time, before a tenant is known",
    "identity.redeem_link(bytea,bytea)": "one secret at a time",
    "identity.look_at_link(bytea,bytea)": "one secret at a time, for the gate",
    "identity.use_reset(bytea,bytea,text)": "one secret at a time, of the browser that asked",
    "identity.is_verified(uuid)": "answers yes or no, for the gate",
    "identity.vouch(uuid,text)": "for a member of the pinned tenant, once",
    "identity.ask_letter(uuid,text,text,bytea,text,text)": "writes only",
    "identity.take_letter_request(uuid)": "one request at a time, for the worker",
    "identity.letter_requests_left()": "ids of requests, for the worker",
    "identity.own_address_held()": "the pinned person's own",
    "identity.want_own_address(uuid,bytea,text)": "the pinned person's own",
    "identity.own_wanted_address(bytea)": "the pinned person's own",
    "identity.take_own_address(bytea,uuid,bytea)": "the pinned person's own, one secret at a time",
    "identity.undo_address(bytea)": "one secret at a time, for the gate",
    "identity.note_attempt(uuid,bytea,text,text)": "writes only",
    "identity.upgrade_password(uuid,text,text)": "needs the hash that it replaces",
    "identity.import_account(uuid,uuid,text,text,text)": "as ensure_account; a hash only with an account that it makes",
    "identity.find_imported_password(text)": "one address at a time, before a tenant is known",
    "identity.upgrade_imported_password(uuid,text,text)": "needs the hash that it replaces",
    "identity.people()": "the pinned tenant's people",
    "identity.ensure_account(uuid,text,text)": "answers with an id, whoever that is",
    "identity.issue_link(uuid,bytea,uuid,interval,text,text,bytea)": "for a member of the pinned tenant",
    "tenancy.acting_person()": "tells the pinned person, and nothing else",
    "identity.factors_holder()": "as acting_person; only the doorkeeper may ask",
    "identity.open_challenge(uuid,bytea,text,uuid,bytea)": "writes only; only the doorkeeper may ask",
    "identity.take_challenge(bytea,text,bytea)": "one secret at a time; only the doorkeeper may ask",
    "identity.open_sign_in_challenge(uuid,bytea,uuid,bytea)": "writes only",
    "identity.take_sign_in_challenge(bytea,uuid,bytea)": "one secret at a time",
    "identity.find_passkey(bytea)": "one random credential id at a time, before a tenant is known",
    "identity.usable_passkeys(uuid)": "one account at a time, for the gate",
    "identity.use_passkey(uuid,bigint,boolean)": "tells only whether the count rose",
    "identity.passkey_admitted(uuid,uuid)": "answers yes or no",
    "identity.find_totp(uuid)": "one account at a time, for the gate; the seed is sealed",
    "identity.use_totp_step(uuid,bigint)": "answers yes or no",
    "identity.use_recovery_code(uuid,bytea)": "one secret at a time",
    "identity.held_factors(uuid)": "counts the factors of one account, for the gate",
    "identity.demanded_factors(uuid)": "two switches of one tenant, for the gate",
    "identity.homes_of(uuid)": "the tenants of one account, for the gate",
    "identity.own_factors()": "the pinned person's own",
    "identity.own_passkeys()": "the pinned person's own",
    "identity.open_own_challenge(uuid,bytea,bytea)": "the pinned person's own",
    "identity.take_own_challenge(bytea,bytea)": "the pinned person's own",
    "identity.add_own_passkey(uuid,bytea,bytea,bigint,jsonb,uuid,boolean,text,boolean)": "the pinned person's own",
    "identity.rename_own_passkey(uuid,text)": "the pinned person's own",
    "identity.revoke_own_passkey(uuid)": "the pinned person's own",
    "identity.begin_own_totp(uuid,bytea)": "the pinned person's own",
    "identity.own_totp()": "the pinned person's own",
    "identity.confirm_own_totp(uuid,bigint)": "the pinned person's own",
    "identity.remove_own_totp()": "the pinned person's own",
    "identity.replace_own_recovery_codes(uuid[],bytea[])": "the pinned person's own",
}
"""Functions that run with their owner's rights, and why they may."""

WHY_UNBOUND = {
    "tenancy.verified_pin()": "every name, operator and type in it is qualified; "
    "it runs for each table of each statement",
    "tenancy.current_tenant()": "as verified_pin",
    "tenancy.current_actor()": "as verified_pin",
}
"""Functions with their owner's rights that set no search path of their own, and why they may."""

_OURS = (
    "n.nspname not in ('pg_catalog', 'information_schema') "
    "and n.nspname not like 'pg\\_temp%' and n.nspname not like 'pg\\_toast%'"
)

UNFENCED_TENANT_COLUMNS = f"""
select n.nspname || '.' || c.relname, 'has a tenant_id, but no forced row security, and the application may use it'
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
where {_OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f') and not (c.relrowsecurity and c.relforcerowsecurity)
    and (has_any_column_privilege(c.oid, 'select, insert, update') or has_table_privilege(c.oid, 'delete'))
"""

RULES = f"""
select n.nspname || '.' || c.relname, 'a rule rewrites what is done with it, with its owner''s rights: ' || r.rulename
from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where {_OURS} and r.rulename <> '_RETURN'
"""

DEFAULT_PRIVILEGES = """
select coalesce(defaclnamespace::regnamespace::text, 'the database'), 'tables made
    from now on are granted away by default'
from pg_catalog.pg_default_acl
"""

QUEUE_DOORS = """
select format('the application may %s %s', lower(privilege), c.oid::regclass)
from pg_catalog.pg_class c cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER',
    'REFERENCES']) as privilege
where c.relnamespace = 'jobs'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and has_table_privilege(c.oid,
    privilege)
    and (c.relname, privilege) not in (('pgqueuer', 'INSERT'), ('pgqueuer_log', 'INSERT'))
"""

ROLE = """
select unnest(array_remove(array[
    case when rolsuper then 'is a superuser' end,
    case when rolbypassrls then 'bypasses policies' end,
    case when rolcreaterole then 'may make roles' end,
    case when rolcreatedb then 'may make databases' end,
    case when rolreplication then 'may replicate' end,
    case when session_user <> current_user then 'is not the one that logged in' end,
    case when exists (select from pg_catalog.pg_class where relowner = r.oid) then 'owns relations' end,
    case when exists (select from pg_catalog.pg_proc where proowner = r.oid) then 'owns functions' end,
    case when exists (select from pg_catalog.pg_namespace where nspowner = r.oid) then 'owns schemas' end,
    case when exists (select from pg_catalog.pg_type where typowner = r.oid) then 'owns types' end,
    case when exists (select from pg_catalog.pg_database where datdba = r.oid) then 'owns a database' end
], null))
from pg_catalog.pg_roles r where rolname = current_user
"""

POWERS = f"""
select 'CREATE on schema ' || n.nspname from pg_catalog.pg_namespace n where has_schema_privilege(n.oid, 'create')
union all select 'CREATE on the database' where has_database_privilege(current_database(), 'create')
union all select 'TEMP on the database' where has_database_privilege(current_database(), 'temporary')
union all
select privilege || ' on ' || c.oid::regclass from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) as privilege
    where {_OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(c.oid, privilege)
union all
select 'REFERENCES on a column of ' || c.oid::regclass from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where {_OURS} and c.relkind in ('r', 'p') and has_any_column_privilege(c.oid, 'references')
union all
select 'SELECT or UPDATE on sequence ' || c.oid::regclass from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where {_OURS} and case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'select, update') end
union all
select 'the right to set ' || parname from pg_catalog.pg_parameter_acl where has_parameter_privilege(parname, 'set')
union all
select 'a grant option on ' || c.oid::regclass from pg_catalog.pg_class c, aclexplode(c.relacl) a
    where a.is_grantable and a.grantee in (0, current_user::regrole)
"""

MEMBERSHIPS = """
select 'it is a member of ' || roleid::regrole from pg_catalog.pg_auth_members where member = current_user::regrole
union all
select rolname || ' logs in and bypasses the policies' from pg_catalog.pg_roles
where rolcanlogin and rolbypassrls and not rolsuper and rolname <> 'stockade_backup'
"""

ROLE_SETTINGS = """
select unnest(setconfig) from pg_catalog.pg_db_role_setting where setrole = current_user::regrole and setdatabase = 0
"""
OTHER_SETTINGS = """
select item from pg_catalog.pg_db_role_setting, unnest(setconfig) as item
where setdatabase = (select oid from pg_catalog.pg_database where datname = current_database())
"""

FUNCTIONS = f"""
select p.oid::regprocedure::text, p.prosecdef, r.rolsuper or r.rolbypassrls,
    p.proacl is null or exists (select from aclexplode(p.proacl) where grantee = 0 and privilege_type = 'EXECUTE'),
    p.prosqlbody is null and not exists (select from unnest(p.proconfig) as item where item like 'search\\_path=%')
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_roles r on r.oid = p.proowner
where {_OURS}
    and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
order by 1
"""

_TENANT_TABLES = f"""
tables as (
    select c.oid, n.nspname || '.' as prefix, a.attnum as tenant
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where {_OURS} and c.relkind in ('r', 'p') and (has_any_column_privilege(c.oid, 'insert, update')
        or a.attnum is not null)
        and (has_any_column_privilege(c.oid, 'select, insert, update') or has_table_privilege(c.oid, 'delete')
            or c.relispartition)
)
"""

KEYS = f"""
with {_TENANT_TABLES}
select i.indexrelid::regclass::text from tables t
    join pg_catalog.pg_index i on i.indrelid = t.oid where i.indisunique or i.indisexclusion
union all select k.oid::text from tables t join pg_catalog.pg_constraint k on k.conrelid = t.oid where k.contype = 'f'
"""

CROSSING_KEYS = f"""
with {_TENANT_TABLES}
select t.prefix || x.relname, 'unique or exclusive over all tenants'
from tables t join pg_catalog.pg_index i on i.indrelid = t.oid join pg_catalog.pg_class x on x.oid = i.indexrelid
where (i.indisunique or i.indisexclusion) and i.indkey[0] is distinct from t.tenant
union all
select t.prefix || k.conname, 'a foreign key that does not begin with the tenant on both sides'
from tables t join pg_catalog.pg_constraint k on k.conrelid = t.oid
left join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attname = 'tenant_id'
where k.contype = 'f' and (k.conkey[1] is distinct from t.tenant or k.confkey[1] is distinct from a.attnum
    or t.tenant is null)
union all
select t.prefix || k.conname, 'a foreign key whose deletes or updates cascade'
from tables t join pg_catalog.pg_constraint k on k.conrelid = t.oid
where k.contype = 'f' and (k.confdeltype <> 'a' or k.confupdtype <> 'a')
"""
"""Keys among the tables that the application may write, or that hold a tenant's rows."""
