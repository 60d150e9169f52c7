-- Exchange tables for a front-end server (前置机): what we write for the other side to take, and what
-- it writes for us. Plain types only, so that other databases take it with few changes. Nobody
-- deletes a row; whoever takes one changes ex_status, ex_msg and ex_time, and nothing else.
--   ex_status  0 new, 1 being taken, 2 done, 9 refused with the reason in ex_msg
--   op         U what counts, D nothing counts there any more
--   ver        rises with each row of a biz_key; the same biz_key and ver again is harmless
--   row_hash   SHA-256 (hexadecimal) of the columns biz_key to justification and ver, joined by |,
--              nothing for null

CREATE TABLE ex_out_submission (
    ex_id varchar(64) NOT NULL PRIMARY KEY,
    biz_key varchar(300) NOT NULL,
    op char(1) NOT NULL,
    plan_code varchar(60) NOT NULL,
    indicator_code varchar(60) NOT NULL,
    organization_code varchar(60) NOT NULL,
    period varchar(40) NOT NULL,
    value varchar(100),
    numerator varchar(100),
    denominator varchar(100),
    level varchar(60),
    not_applicable_reason varchar(4000),
    data_status varchar(20),
    note varchar(4000),
    source varchar(4000),
    justification varchar(4000),
    batch_no varchar(60) NOT NULL,
    src_time timestamp with time zone NOT NULL,
    ver bigint NOT NULL,
    row_hash char(64) NOT NULL,
    ex_status smallint NOT NULL DEFAULT 0,
    ex_msg varchar(2000),
    ex_time timestamp with time zone
);
CREATE INDEX ix_ex_out_submission_status ON ex_out_submission (plan_code, ex_status, ver);

CREATE TABLE ex_in_submission (
    ex_id varchar(64) NOT NULL PRIMARY KEY,
    biz_key varchar(300) NOT NULL,
    op char(1) NOT NULL,
    plan_code varchar(60) NOT NULL,
    indicator_code varchar(60) NOT NULL,
    organization_code varchar(60) NOT NULL,
    period varchar(40) NOT NULL,
    value varchar(100),
    numerator varchar(100),
    denominator varchar(100),
    level varchar(60),
    not_applicable_reason varchar(4000),
    data_status varchar(20),
    note varchar(4000),
    source varchar(4000),
    justification varchar(4000),
    batch_no varchar(60) NOT NULL,
    src_time timestamp with time zone NOT NULL,
    ver bigint NOT NULL,
    row_hash char(64) NOT NULL,
    ex_status smallint NOT NULL DEFAULT 0,
    ex_msg varchar(2000),
    ex_time timestamp with time zone
);
CREATE INDEX ix_ex_in_submission_status ON ex_in_submission (plan_code, ex_status, ver);

-- One row a day, plan and direction, written by us: how many rows there are and what became of them.
CREATE TABLE ex_recon (
    recon_day date NOT NULL,
    plan_code varchar(60) NOT NULL,
    direction varchar(3) NOT NULL,
    rows_total bigint NOT NULL,
    rows_new bigint NOT NULL,
    rows_done bigint NOT NULL,
    rows_refused bigint NOT NULL,
    rows_missing bigint NOT NULL,
    rows_altered bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    PRIMARY KEY (recon_day, plan_code, direction)
);
