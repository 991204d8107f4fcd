-- The keys that access tokens are signed with. The gate asks for those that are served and offers fresh ones; their private
-- parts lie sealed, and nobody but the doorkeeper writes the table.

-- What verifies still: a key that signs no more is served for an hour, while tokens live for fifteen minutes.
create function identity.signing_keys()
returns table (id uuid, key_id text, public_jwk jsonb, private_sealed bytea, state text, activated_at timestamptz)
language sql stable security definer
begin atomic
    select k.id, k.key_id, k.public_jwk, k.private_sealed, k.state, k.activated_at
    from identity.signing_key k
    where k.state <> 'retiring' or k.retired_at > clock_timestamp() - interval '1 hour'
    order by k.created_at, k.id;
end;

-- Takes a fresh key where one is missing: as the active one, else as the next. Where both are there and the active one is as
-- old as ``due``, the next one becomes active and the fresh one the next. Processes come one after the other.
create function identity.rotate_signing_keys(
    fresh uuid, fresh_key_id text, public jsonb, sealed bytea, due interval, compromised boolean
) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    active identity.signing_key%rowtype;
    waiting uuid;
begin
    lock table identity.signing_key in share row exclusive mode;
    if compromised then
        delete from identity.signing_key;
    end if;
    delete from identity.signing_key k where k.state = 'retiring' and k.retired_at < clock_timestamp() - interval '1 day';
    select * into active from identity.signing_key k where k.state = 'active';
    select k.id into waiting from identity.signing_key k where k.state = 'next';
    if active.id is not null and waiting is not null then
        if active.activated_at + due > clock_timestamp() then
            return false;
        end if;
        update identity.signing_key k set state = 'retiring', retired_at = clock_timestamp() where k.id = active.id;
        update identity.signing_key k set state = 'active', activated_at = clock_timestamp() where k.id = waiting;
    end if;
    insert into identity.signing_key (id, key_id, public_jwk, private_sealed, state, activated_at)
    values (
        fresh, fresh_key_id, public, sealed, case when active.id is null then 'active' else 'next' end,
        case when active.id is null then clock_timestamp() end);
    return true;
end;
$$;

revoke all on function identity.signing_keys(),
    identity.rotate_signing_keys(uuid, text, jsonb, bytea, interval, boolean) from public;
grant execute on function identity.signing_keys(),
    identity.rotate_signing_keys(uuid, text, jsonb, bytea, interval, boolean) to stockade_gate;

-- Last, because a role cannot change the rights on what it has handed over.
alter function identity.signing_keys() owner to stockade_doorkeeper;
alter function identity.rotate_signing_keys(uuid, text, jsonb, bytea, interval, boolean) owner to stockade_doorkeeper;
