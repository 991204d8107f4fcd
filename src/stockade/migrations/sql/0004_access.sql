-- Who acts, and which rows a role is limited to. The limits are bits of the signed pin's kind (stockade.tenancy.pin);
-- policies named "rows" read them.

-- Whether the pin carries none of some limits. It needs no proof: with a pin that is not genuine the wall shows nothing.
create function tenancy.unlimited(mask integer) returns boolean
language sql stable parallel restricted
begin atomic
    select coalesce(get_byte(decode(nullif(current_setting('stockade.pin', true), ''), 'hex'), 33) & mask = 0, true);
end;

-- The pinned actor, or null.
create function tenancy.current_actor() returns uuid
language plpgsql stable parallel restricted security definer
as $$
begin
    return pg_catalog.encode(pg_catalog.substr(tenancy.verified_pin(), 18, 16), 'hex')::pg_catalog.uuid;
end;
$$;

-- The account behind the actor: of a key, whoever issued it. Null unless the pin limits customers to one's own.
create function identity.standing_person() returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if tenancy.unlimited(16) then
        return null;
    end if;
    return identity.person_behind(tenancy.current_actor());
end;
$$;

create function identity.person_behind(actor uuid) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((select k.created_by from identity.api_key k where k.tenant_id = (select tenancy.current_tenant()) and k.id = actor), actor);
end;
$$;

create function identity.standing_regions() returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if tenancy.unlimited(32) then
        return null;
    end if;
    return (
        select array(select jsonb_array_elements_text(m.regions)) from identity.membership m
        where m.tenant_id = (select tenancy.current_tenant()) and m.account_id = identity.person_behind(tenancy.current_actor())
    );
end;
$$;

create function identity.standing_warehouses() returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if tenancy.unlimited(64) then
        return null;
    end if;
    return (
        select array(select jsonb_array_elements_text(m.warehouses)::uuid) from identity.membership m
        where m.tenant_id = (select tenancy.current_tenant()) and m.account_id = identity.person_behind(tenancy.current_actor())
    );
end;
$$;

-- In the words of a role's rights: a system role, or "own:<id>:<version>", so that a changed role is a changed standing.
create function identity.standing(role text, own_role_id uuid, version integer) returns text
language sql immutable parallel safe
begin atomic
    select case when role = 'own' then 'own:' || own_role_id || ':' || version else role end;
end;

-- A session's: it may look through another role's eyes, or be good for nothing but enrolling a factor.
create function identity.session_standing(role text, own_role_id uuid, version integer, viewing_as text, must_enrol boolean) returns text
language sql immutable parallel safe
begin atomic
    select identity.standing(role, own_role_id, version) || coalesce(' as ' || viewing_as, '') || case when must_enrol then ' enrols' else '' end;
end;

-- Whether a credential still admits its holder as it did when it was looked up. Called in the message that begins every
-- transaction, so that a revocation holds from the next request on, in every process.
create or replace function identity.confirm(kind text, hash bytea, expected text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    standing text;
begin
    if kind = 'session' then
        select identity.session_standing(m.role, r.id, r.version, s.viewing_as, s.must_enrol) into standing from identity.session s
            join identity.membership m on m.tenant_id = s.tenant_id and m.account_id = s.account_id
            join tenancy.tenant t on t.id = s.tenant_id
            left join identity.role r on r.tenant_id = m.tenant_id and r.id = m.own_role_id
            where s.tenant_id = (select tenancy.current_tenant()) and s.token_hash = hash and s.ended_at is null
                and s.expires_at > now() and m.state = 'active' and t.state = 'active';
    else
        select identity.standing(k.role, r.id, r.version) into standing from identity.api_key k
            join tenancy.tenant t on t.id = k.tenant_id
            left join identity.role r on r.tenant_id = k.tenant_id and r.id = k.own_role_id
            where k.tenant_id = (select tenancy.current_tenant()) and k.secret_hash = hash and k.revoked_at is null
                and coalesce(k.expires_at > now(), true) and t.state = 'active';
    end if;
    if standing is distinct from expected then
        raise exception 'The credential no longer admits its holder.' using errcode = 'SK401';
    end if;
end;
$$;

-- The people of the pinned tenant, and nobody else.
set local role stockade_doorkeeper;
drop function identity.people();
set local role stockade_owner;
create function identity.people() returns table (
    account_id uuid, name text, email text, role text, state text, membership_id uuid, own_role_id uuid, regions jsonb, warehouses jsonb
)
language sql stable security definer
begin atomic
    select a.id, a.name, a.email, m.role, m.state, m.id, m.own_role_id, m.regions, m.warehouses
    from identity.membership m join identity.account a on a.id = m.account_id
    where m.tenant_id = (select tenancy.current_tenant());
end;

-- The kind's upper bits are the limits; the trail tells the kind alone.
set local role stockade_auditor;
create or replace function audit.append(pin bytea, action text, subject text, subject_id uuid, before jsonb, after jsonb) returns void
language sql volatile
begin atomic
    insert into audit.entry (
        tenant_id, id, recorded_at, transaction_id, actor_id, actor_kind, request_id, address, action, subject, subject_id, before, after
    )
    values (
        encode(substr(pin, 2, 16), 'hex')::uuid, uuidv7(), clock_timestamp(), pg_current_xact_id()::text::bigint,
        encode(substr(pin, 18, 16), 'hex')::uuid,
        (array['system', 'user', 'api_key', 'job', 'import', 'control', 'operator'])[(get_byte(pin, 33) & 15) + 1],
        encode(substr(pin, 47, 16), 'hex')::uuid, encode(substr(pin, 63, 16), 'hex'), action, subject, subject_id, before, after
    );
end;
set local role stockade_owner;

revoke all on function tenancy.unlimited(integer), tenancy.current_actor(), identity.standing_person(), identity.person_behind(uuid),
    identity.standing_regions(), identity.standing_warehouses(), identity.standing(text, uuid, integer),
    identity.session_standing(text, uuid, integer, text, boolean), identity.people() from public;
grant execute on function tenancy.unlimited(integer), tenancy.current_actor()
    to stockade_application, stockade_worker, stockade_platform, stockade_auditor, stockade_doorkeeper;
grant execute on function identity.standing_person(), identity.person_behind(uuid), identity.standing_regions(),
    identity.standing_warehouses(), identity.standing(text, uuid, integer),
    identity.session_standing(text, uuid, integer, text, boolean), identity.people() to stockade_application, stockade_worker;

-- Last, because a role cannot change the rights on what it has handed over.
alter function tenancy.current_actor() owner to stockade_keeper;
alter function identity.people() owner to stockade_doorkeeper;
