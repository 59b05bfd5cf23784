-- Up Migration

-- An imported credential has only the HA1s that its source had; the MD5 one is always there.
alter table credentials
  alter column ha1_sha256 drop not null,
  alter column ha1_sha512_256 drop not null,
  alter column ha1b drop not null,
  alter column ha1b_sha256 drop not null,
  alter column ha1b_sha512_256 drop not null;
-- Few, and asked for whenever a realm is challenged anew: what not all of its users can answer is not offered.
create index credentials_lacking_sha256 on credentials (realm) where ha1_sha256 is null;
create index credentials_lacking_sha512_256 on credentials (realm) where ha1_sha512_256 is null;

-- The token before the last rotation is good until its time is up.
alter table accounts
  add column previous_token_hash bytea,
  add column previous_token_until timestamptz;
-- The accounts below one, and those of one name among them.
create index accounts_paging on accounts (parent_sid, seq);
create index accounts_friendly_name on accounts (parent_sid, friendly_name);

create table domains (
  seq bigint generated always as identity unique,
  sid text primary key,
  account_sid text not null references accounts (sid),
  domain_name text not null check (domain_name = lower(domain_name)),
  friendly_name text not null default '',
  -- The realm of all credential lists that are mapped to it; its account's own while there are none.
  realm text not null references realms (realm),
  version bigint not null,
  voice_url text not null default '',
  voice_method text not null default 'POST',
  voice_fallback_url text not null default '',
  voice_fallback_method text not null default 'POST',
  voice_status_callback_url text not null default '',
  voice_status_callback_method text not null default 'POST',
  sip_registration boolean not null default false,
  emergency_calling_enabled boolean not null default false,
  secure boolean not null default false,
  byoc_trunk_sid text,
  emergency_caller_sid text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint domains_domain_name_key unique (domain_name)
);
create index domains_paging on domains (account_sid, seq);
create index domains_realm on domains (realm);
-- Finds the names under a name: written backwards, they begin with it.
create index domains_below on domains (reverse(domain_name) text_pattern_ops);
create index realms_below on realms (reverse(realm) text_pattern_ops);
create index realms_account on realms (account_sid);

-- Which lists may do what in a domain. A list that is mapped cannot be deleted.
create table domain_credential_lists (
  seq bigint generated always as identity unique,
  domain_sid text not null references domains (sid) on delete cascade,
  purpose text not null check (purpose in ('calls', 'registrations')),
  list_sid text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (domain_sid, purpose, list_sid),
  constraint domain_credential_lists_list_fkey foreign key (list_sid) references credential_lists (sid)
);
create index domain_credential_lists_list on domain_credential_lists (list_sid);

create table ip_access_control_lists (
  seq bigint generated always as identity unique,
  sid text primary key,
  account_sid text not null references accounts (sid),
  friendly_name text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index ip_access_control_lists_paging on ip_access_control_lists (account_sid, seq);

create table ip_addresses (
  seq bigint generated always as identity unique,
  sid text primary key,
  account_sid text not null references accounts (sid),
  list_sid text not null references ip_access_control_lists (sid) on delete cascade,
  friendly_name text not null,
  ip_address text not null,
  cidr_prefix_length int not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index ip_addresses_paging on ip_addresses (list_sid, seq);

-- From where calls to a domain are let in.
create table domain_ip_access_control_lists (
  seq bigint generated always as identity unique,
  domain_sid text not null references domains (sid) on delete cascade,
  list_sid text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (domain_sid, list_sid),
  constraint domain_ip_access_control_lists_list_fkey foreign key (list_sid) references ip_access_control_lists (sid)
);
create index domain_ip_access_control_lists_list on domain_ip_access_control_lists (list_sid);

-- What a change is of; `name` is a realm's, for credentials too, or a domain's.
alter table outbox rename column realm to name;
alter table outbox add column kind text not null default 'credential'
  check (kind in ('credential', 'realm', 'domain'));
update outbox set kind = 'realm' where username is null;
alter table outbox alter column kind drop default;
-- From now on the record of a realm says where its account is not active.
update realms set version = nextval('change_version')
where account_sid in (select sid from accounts where status <> 'active');
insert into outbox (kind, name, version)
select 'realm', r.realm, r.version from realms r join accounts a on a.sid = r.account_sid where a.status <> 'active';

-- Whether Redis mirrors this database: then only a server with Redis may take changes out of the outbox.
alter table instance add column mirrored_in_redis boolean not null default false;

-- Accounts whose status has changed, and whose credentials are brought after it in slices; where the next one begins.
create table account_sweeps (
  id bigint generated always as identity primary key,
  account_sid text not null references accounts (sid),
  after_seq bigint not null default 0
);

-- Who changed what, and when; never a secret. It outlives what it tells of, so it refers to nothing.
create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  account_sid text not null,
  -- SID of the account whose token was used; null for the command line.
  actor_sid text,
  door text not null,
  request_id text,
  action text not null,
  resource_sid text not null,
  detail jsonb not null default '{}'
);
create index audit_account on audit (account_sid, id);
create index audit_resource on audit (resource_sid, id);
create index audit_at on audit (at);

-- Down Migration

drop table audit;
alter table instance drop column mirrored_in_redis;
-- What a sweep has not come to yet is mirrored by itself.
insert into outbox (kind, name, username, version)
select 'credential', c.realm, c.username, c.version
from account_sweeps s join credentials c on c.account_sid = s.account_sid and c.seq > s.after_seq;
drop table account_sweeps;
delete from outbox where kind = 'domain';
alter table outbox drop column kind;
alter table outbox rename column name to realm;
drop table domain_ip_access_control_lists;
drop table ip_addresses;
drop table ip_access_control_lists;
drop table domain_credential_lists;
drop table domains;
drop index realms_account;
drop index realms_below;
drop index accounts_friendly_name;
drop index accounts_paging;
alter table accounts
  drop column previous_token_until,
  drop column previous_token_hash;
drop index credentials_lacking_sha256;
drop index credentials_lacking_sha512_256;
-- What has no HA1 of every kind cannot exist before this migration. Anything that is known or the same twice, the empty
-- text too, is an HA1 that responses can be computed from: what is written is drawn anew for each, and kept nowhere else.
update credentials
set ha1_sha256 = coalesce(ha1_sha256,
      encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex')),
    ha1_sha512_256 = coalesce(ha1_sha512_256,
      encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex')),
    ha1b = coalesce(ha1b,
      left(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'), 32)),
    ha1b_sha256 = coalesce(ha1b_sha256,
      encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex')),
    ha1b_sha512_256 = coalesce(ha1b_sha512_256,
      encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'));
alter table credentials
  alter column ha1_sha256 set not null,
  alter column ha1_sha512_256 set not null,
  alter column ha1b set not null,
  alter column ha1b_sha256 set not null,
  alter column ha1b_sha512_256 set not null;
