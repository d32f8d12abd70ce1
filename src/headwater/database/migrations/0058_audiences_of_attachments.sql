-- An integration of the pipeline of entries and exits may be told about some audiences only: their ids. Null means about all.

ALTER TABLE attachments ADD COLUMN audiences text[];
