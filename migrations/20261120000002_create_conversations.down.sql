DROP TABLE conversations;
DROP TABLE contacts;
