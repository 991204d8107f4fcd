-- The brake on guessing and the sign-ins under way. The gate may call these; nobody but the doorkeeper reads the tables.

-- How long the worst of some subjects has to wait, and whether that is a lock.
create function identity.throttled(subjects bytea[]) returns table (wait_seconds integer, locked boolean)
language sql stable security definer
begin atomic
    select greatest(ceil(extract(epoch from t.blocked_until - clock_timestamp())), 0)::integer, t.locked_at is not null and t.blocked_until > clock_timestamp()
    from identity.throttle t where t.subject = any(subjects) and t.blocked_until > clock_timestamp();
end;

-- Counts a failure. Beyond the free ones the wait doubles each time, up to the longest; at the lock's count the subject is
-- locked once. Two failures at the same time are counted one after the other: the row is locked.
create function identity.throttle_failure(
    row_id uuid, who bytea, what text, free integer, longest integer, lock_at integer, lock_for integer, forgotten_after integer
) returns table (failures integer, newly_locked boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    counted identity.throttle%rowtype;
    wait integer;
begin
    insert into identity.throttle as t (id, subject, kind, failures, failed_at) values (row_id, who, what, 1, clock_timestamp())
    on conflict (subject) do update set
        failures = case when t.failed_at < clock_timestamp() - make_interval(secs => forgotten_after) then 1 else t.failures + 1 end,
        locked_at = case when t.failed_at < clock_timestamp() - make_interval(secs => forgotten_after) then null else t.locked_at end,
        failed_at = clock_timestamp()
    returning t.* into counted;
    failures := counted.failures;
    newly_locked := lock_at is not null and counted.failures >= lock_at
        and coalesce(counted.locked_at < clock_timestamp() - make_interval(secs => lock_for), true);
    wait := case
        when newly_locked then lock_for
        when counted.failures <= free then 0
        else least(power(2, least(counted.failures - free, 20))::integer, longest)
    end;
    update identity.throttle t set
        blocked_until = case when wait > 0 then greatest(t.blocked_until, clock_timestamp() + make_interval(secs => wait)) else t.blocked_until end,
        locked_at = case when newly_locked then clock_timestamp() else t.locked_at end
    where t.id = counted.id;
    return next;
end;
$$;

create function identity.throttle_clear(subjects bytea[]) returns void
language sql volatile security definer
begin atomic
    delete from identity.throttle t where t.subject = any(subjects);
end;

create function identity.begin_pending(row_id uuid, hash bytea, account uuid, tenant uuid, proved jsonb, valid interval) returns void
language sql volatile security definer
begin atomic
    delete from identity.pending_sign_in p where p.expires_at < clock_timestamp();
    insert into identity.pending_sign_in (id, token_hash, account_id, tenant_id, proofs, expires_at)
    values (row_id, hash, account, tenant, proved, clock_timestamp() + least(valid, interval '15 minutes'));
end;

create function identity.find_pending(hash bytea) returns table (account_id uuid, tenant_id uuid, proofs jsonb)
language sql stable security definer
begin atomic
    select p.account_id, p.tenant_id, p.proofs from identity.pending_sign_in p
    where p.token_hash = hash and p.expires_at > clock_timestamp() and p.failures < 5;
end;

create function identity.fail_pending(hash bytea) returns void
language sql volatile security definer
begin atomic
    update identity.pending_sign_in p set failures = p.failures + 1 where p.token_hash = hash;
end;

-- Uses a pending sign-in up: of two that come at the same time, one gets it.
create function identity.end_pending(hash bytea) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from identity.pending_sign_in p where p.token_hash = hash and p.expires_at > clock_timestamp() and p.failures < 5;
    return found;
end;
$$;

-- Where somebody works, for those who have proved themselves: the tenants in the order of joining.
create function identity.places_of(account uuid) returns table (tenant_id uuid, email text, name text)
language sql stable security definer
begin atomic
    select m.tenant_id, a.email, a.name from identity.account a
    join identity.membership m on m.account_id = a.id and m.state = 'active'
    where a.id = account and a.state = 'active' order by m.created_at, m.tenant_id;
end;

revoke all on function identity.throttled(bytea[]),
    identity.throttle_failure(uuid, bytea, text, integer, integer, integer, integer, integer), identity.throttle_clear(bytea[]),
    identity.begin_pending(uuid, bytea, uuid, uuid, jsonb, interval), identity.find_pending(bytea), identity.fail_pending(bytea),
    identity.end_pending(bytea), identity.places_of(uuid) from public;
grant execute on function identity.throttled(bytea[]),
    identity.throttle_failure(uuid, bytea, text, integer, integer, integer, integer, integer), identity.throttle_clear(bytea[]),
    identity.begin_pending(uuid, bytea, uuid, uuid, jsonb, interval), identity.find_pending(bytea), identity.fail_pending(bytea),
    identity.end_pending(bytea), identity.places_of(uuid) to stockade_gate;

-- Last, because a role cannot change the rights on what it has handed over.
alter function identity.throttled(bytea[]) owner to stockade_doorkeeper;
alter function identity.throttle_failure(uuid, bytea, text, integer, integer, integer, integer, integer) owner to stockade_doorkeeper;
alter function identity.throttle_clear(bytea[]) owner to stockade_doorkeeper;
alter function identity.begin_pending(uuid, bytea, uuid, uuid, jsonb, interval) owner to stockade_doorkeeper;
alter function identity.find_pending(bytea) owner to stockade_doorkeeper;
alter function identity.fail_pending(bytea) owner to stockade_doorkeeper;
alter function identity.end_pending(bytea) owner to stockade_doorkeeper;
alter function identity.places_of(uuid) owner to stockade_doorkeeper;
