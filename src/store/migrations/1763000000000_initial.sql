-- Up Migration

create table accounts (
  seq bigint generated always as identity unique,
  sid text primary key,
  auth_id text not null unique,
  parent_sid text references accounts (sid),
  friendly_name text not null,
  status text not null default 'active' check (status in ('active', 'suspended', 'closed')),
  -- SHA-256 of the auth token; null for the master, whose token is configuration.
  token_hash bytea,
  realm text not null unique,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Who owns a realm, and what its challenges offer where that is not the server's default.
create table realms (
  realm text primary key check (realm = lower(realm)),
  account_sid text not null references accounts (sid),
  algorithms text,
  version bigint not null
);

create table credential_lists (
  seq bigint generated always as identity unique,
  sid text primary key,
  account_sid text not null references accounts (sid),
  friendly_name text not null,
  realm text not null references realms (realm),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint credential_lists_friendly_name_key unique (account_sid, friendly_name)
);
create index credential_lists_paging on credential_lists (account_sid, seq);
create index credential_lists_realm on credential_lists (realm);

create table credentials (
  seq bigint generated always as identity unique,
  sid text primary key,
  list_sid text not null references credential_lists (sid),
  account_sid text not null references accounts (sid),
  realm text not null references realms (realm),
  username text not null,
  enabled boolean not null default true,
  description text not null default '',
  ha1 text not null,
  ha1_sha256 text not null,
  ha1_sha512_256 text not null,
  ha1b text not null,
  ha1b_sha256 text not null,
  ha1b_sha512_256 text not null,
  version bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint credentials_username_key unique (realm, username)
);
create index credentials_paging on credentials (list_sid, seq);
create index credentials_account on credentials (account_sid, seq);

-- Drawn after the row is locked, so that of two changes to one row the later has the higher number.
create sequence change_version;

-- Changes that are committed and not yet mirrored; username is null for a change of the realm itself.
create table outbox (
  id bigint generated always as identity primary key,
  realm text not null,
  username text,
  version bigint not null,
  created_at timestamptz not null default now()
);

-- What all nodes on this database share without configuring it; one row.
create table instance (
  one boolean primary key default true check (one),
  -- Unknown users' decoy HA1s derive from it, so that they are the same on every node and after every restart.
  decoy_secret text not null
);
insert into instance (decoy_secret) values (replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));

-- Down Migration

drop table instance;
drop table outbox;
drop sequence change_version;
drop table credentials;
drop table credential_lists;
drop table realms;
drop table accounts;
