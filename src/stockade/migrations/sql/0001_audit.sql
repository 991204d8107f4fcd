-- The trail's only way in: this trigger, as the auditor. Nobody else holds INSERT on audit.entry, and nobody at all holds
-- UPDATE, DELETE or TRUNCATE. Statement triggers with transition tables write a statement's rows at once.
--
-- Its argument is the declaration's extract: {"masked": [...], "events": {column: name}, "insert_event": name,
-- "part_of": column of the document, "keys": [...], "document": true}.

create function audit.masked(content jsonb, names jsonb) returns jsonb
language sql immutable parallel safe
begin atomic
    select content || coalesce(
        (select jsonb_object_agg(item.name, '•••') from jsonb_array_elements_text(names) as item (name) where content ->> item.name is not null),
        '{}'
    );
end;

create function audit.differences(content jsonb, other jsonb) returns jsonb
language sql immutable parallel safe
begin atomic
    select coalesce(jsonb_object_agg(item.key, item.value), '{}')
    from jsonb_each(content) as item
    where other -> item.key is distinct from item.value;
end;

create function audit.record() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    pin constant bytea := tenancy.verified_pin();
    config constant jsonb := tg_argv[0];
    subject constant text := tg_table_schema || '.' || tg_table_name;
    parent constant text := config ->> 'part_of';
    masked constant jsonb := coalesce(config -> 'masked', '[]');
    is_import boolean;
    change record;
begin
    if pin is null then
        raise exception 'A change without a valid pin cannot be written down, so it cannot be made.' using errcode = '42501';
    end if;
    is_import := get_byte(pin, 33) = 4;
    if is_import and not coalesce((config ->> 'document')::boolean, false) then
        return null;  -- its document's entry stands for it
    end if;
    if parent is not null then
        if tg_op = 'INSERT' then
            for change in select to_jsonb(n) ->> parent as id, jsonb_agg(audit.masked(to_jsonb(n), masked) - 'tenant_id' - parent) as new
                from new_rows as n group by 1
            loop perform audit.append(pin, 'insert', subject, change.id::uuid, null, jsonb_build_object('rows', change.new)); end loop;
        elsif tg_op = 'DELETE' then
            for change in select to_jsonb(o) ->> parent as id, jsonb_agg(audit.masked(to_jsonb(o), masked) - 'tenant_id' - parent) as old
                from old_rows as o group by 1
            loop perform audit.append(pin, 'delete', subject, change.id::uuid, jsonb_build_object('rows', change.old), null); end loop;
        else
            for change in
                select n ->> parent as id, key, audit.differences(o, n) as old, audit.differences(n, o) as new
                from (select to_jsonb(r) as n, (select jsonb_object_agg(k, to_jsonb(r) -> k) from jsonb_array_elements_text(config -> 'keys') as k) as key from new_rows as r) as news
                join (select to_jsonb(r) as o, (select jsonb_object_agg(k, to_jsonb(r) -> k) from jsonb_array_elements_text(config -> 'keys') as k) as key from old_rows as r) as olds
                    using (key)
            loop perform audit.append_change(pin, config, subject, change.id::uuid, change.old, change.new, change.key - parent); end loop;
        end if;
    elsif tg_op = 'INSERT' then
        for change in select to_jsonb(n) as new from new_rows as n
        loop
            perform audit.append(pin, coalesce(config ->> 'insert_event', 'insert'), subject, (change.new ->> 'id')::uuid, null,
                audit.masked(change.new, masked) - 'tenant_id' - 'id');
        end loop;
    elsif tg_op = 'DELETE' then
        for change in select to_jsonb(o) as old from old_rows as o
        loop
            perform audit.append(pin, 'delete', subject, (change.old ->> 'id')::uuid, audit.masked(change.old, masked) - 'tenant_id' - 'id', null);
        end loop;
    else
        for change in
            select n.id, audit.differences(to_jsonb(o), to_jsonb(n)) as old, audit.differences(to_jsonb(n), to_jsonb(o)) as new
            from new_rows as n join old_rows as o using (id)
        loop perform audit.append_change(pin, config, subject, change.id, change.old, change.new, '{}'); end loop;
    end if;
    return null;
end;
$$;

-- One row of the trail. transaction_id lets the sequencer that seals the trail take only what no running transaction can precede.
create function audit.append(pin bytea, action text, subject text, subject_id uuid, before jsonb, after jsonb) returns void
language sql volatile
begin atomic
    insert into audit.entry (
        tenant_id, id, recorded_at, transaction_id, actor_id, actor_kind, request_id, address, action, subject, subject_id, before, after
    )
    values (
        encode(substr(pin, 2, 16), 'hex')::uuid, uuidv7(), clock_timestamp(), pg_current_xact_id()::text::bigint,
        encode(substr(pin, 18, 16), 'hex')::uuid,
        (array['system', 'user', 'api_key', 'job', 'import', 'control'])[get_byte(pin, 33) + 1],
        encode(substr(pin, 47, 16), 'hex')::uuid, encode(substr(pin, 63, 16), 'hex'), action, subject, subject_id, before, after
    );
end;

-- An update: what changed, before and after, and an entry of its own for each column whose rule names an event.
create function audit.append_change(pin bytea, config jsonb, subject text, subject_id uuid, old jsonb, new jsonb, key jsonb) returns void
language plpgsql volatile
as $$
declare
    masked constant jsonb := coalesce(config -> 'masked', '[]');
    event record;
begin
    if new = '{}' then
        return;
    end if;
    perform audit.append(pin, 'update', subject, subject_id, audit.masked(old, masked) || key, audit.masked(new, masked) || key);
    for event in select * from jsonb_each_text(coalesce(config -> 'events', '{}')) loop
        if new ? event.key then
            perform audit.append(pin, event.value, subject, subject_id,
                key || jsonb_build_object(event.key, old -> event.key), key || jsonb_build_object(event.key, new -> event.key));
        end if;
    end loop;
end;
$$;

-- Partitions by month, made ahead of time. They have policies forced and no grants: the parent is the only way to a row.
create function audit.ensure_partitions(months integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    month date;
    name text;
    unsampled text;
    made integer := 0;
begin
    for month in select generate_series(date_trunc('month', now()), now() + make_interval(months => months), '1 month')::date loop
        name := 'entry_' || to_char(month, 'YYYY_MM');
        continue when to_regclass('audit.' || name) is not null;
        execute format('create table audit.%I partition of audit.entry for values from (%L) to (%L)', name, month, (month + interval '1 month')::date);
        execute format('alter table audit.%I enable row level security, force row level security', name);
        execute format('revoke all on audit.%I from public', name);
        -- A partition does not take this over from its parent; see stockade.tenancy.wall.build.
        for unsampled in select attname from pg_attribute where attrelid = 'audit.entry'::regclass and attstattarget = 0 loop
            execute format('alter table audit.%I alter column %I set statistics 0', name, unsampled);
        end loop;
        made := made + 1;
    end loop;
    return made;
end;
$$;

revoke all on all functions in schema audit from public;
grant execute on function audit.ensure_partitions(integer) to stockade_worker;
grant usage on schema audit to stockade_auditor;

-- Last, because a role cannot change the rights on what it has handed over.
alter function audit.masked(jsonb, jsonb) owner to stockade_auditor;
alter function audit.differences(jsonb, jsonb) owner to stockade_auditor;
alter function audit.record() owner to stockade_auditor;
alter function audit.append(bytea, text, text, uuid, jsonb, jsonb) owner to stockade_auditor;
alter function audit.append_change(bytea, jsonb, text, uuid, jsonb, jsonb, jsonb) owner to stockade_auditor;

-- The tables' owner attaches the trigger to them.
set role stockade_auditor;
grant execute on function audit.record() to stockade_owner;
set role stockade_owner;
