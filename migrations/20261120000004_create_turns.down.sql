DROP TABLE answers;
DROP TABLE messages;
DROP TABLE turns;
