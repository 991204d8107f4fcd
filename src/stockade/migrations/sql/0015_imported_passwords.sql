-- Passwords that an organisation brings along from another system. The tables stay the doorkeeper's.

-- Finds or makes the account behind an address, as ensure_account does; a hash is kept only with an account that this very
-- call has made. Attack: an organisation that brings a hash of its own for somebody who has an account already.
create function identity.import_account(new_id uuid, row_id uuid, address text, called text, foreign_hash text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    known boolean;
    found uuid;
begin
    if tenancy.current_tenant() is null then
        raise exception 'No tenant is pinned.' using errcode = '42501';
    end if;
    select exists (select from identity.account a where a.id = new_id or a.email = address) into known;
    found := identity.ensure_account(new_id, address, called);
    if found = new_id and not known and foreign_hash is not null then
        insert into identity.imported_password (id, account_id, tenant_id, password_hash)
        values (row_id, found, tenancy.current_tenant(), foreign_hash) on conflict (account_id) do nothing;
    end if;
    return found;
end;
$$;

-- What counts for an address as long as its person has set no password here, and the one organisation that it opens.
create function identity.find_imported_password(wanted text) returns table (tenant_id uuid, password_hash text)
language sql stable security definer
begin atomic
    select i.tenant_id, i.password_hash
    from identity.imported_password i join identity.account a on a.id = i.account_id
    where a.email = wanted and a.password_hash is null;
end;

-- A better hash of the same password: only in the place of the one that was just verified.
create function identity.upgrade_imported_password(whose uuid, verified text, better text) returns void
language sql volatile security definer
begin atomic
    update identity.imported_password i set password_hash = better where i.account_id = whose and i.password_hash = verified;
end;

revoke all on function identity.import_account(uuid, uuid, text, text, text), identity.find_imported_password(text),
    identity.upgrade_imported_password(uuid, text, text) from public;
grant execute on function identity.import_account(uuid, uuid, text, text, text) to stockade_application;
grant execute on function identity.find_imported_password(text), identity.upgrade_imported_password(uuid, text, text)
    to stockade_gate;

-- Last, because a role cannot change the rights on what it has handed over.
alter function identity.import_account(uuid, uuid, text, text, text) owner to stockade_doorkeeper;
alter function identity.find_imported_password(text) owner to stockade_doorkeeper;
alter function identity.upgrade_imported_password(uuid, text, text) owner to stockade_doorkeeper;
