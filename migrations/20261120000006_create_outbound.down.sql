DROP TABLE limiters;
DROP TABLE outbound;
