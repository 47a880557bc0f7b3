// The behaviours of README.md by pgjdbc. One line for each: `ok NAME` or `not ok NAME: why`.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PGobject;

public class Main {
    static final String SLOW = "SELECT count(*) FROM generate_series(1, 100000) AS a(x),"
        + " generate_series(1, 1000000) AS b(y) WHERE (x + y) % 7 = 1";

    interface Behaviour { void run(Connection c) throws Exception; }

    static final Map<String, Behaviour> ALL = new LinkedHashMap<>();

    static Connection connect(String... more) throws SQLException {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT")
            + "/" + System.getenv("PGDATABASE");
        Properties p = new Properties();
        p.setProperty("user", System.getenv("PGUSER"));
        if (System.getenv("PGPASSWORD") != null) p.setProperty("password", System.getenv("PGPASSWORD"));
        for (int i = 0; i < more.length; i += 2) p.setProperty(more[i], more[i + 1]);
        return DriverManager.getConnection(url, p);
    }

    static void same(Object got, Object expected) {
        if (!Objects.equals(got, expected)) throw new AssertionError("got " + got + ", expected " + expected);
    }

    static SQLException fails(String state, Behaviour action, Connection c) throws Exception {
        try {
            action.run(c);
        } catch (SQLException error) {
            same(error.getSQLState(), state);
            return error;
        }
        throw new AssertionError("no error, expected " + state);
    }

    static String one(Connection c, String sql, Object... values) throws SQLException {
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) s.setObject(i + 1, values[i]);
            try (ResultSet r = s.executeQuery()) {
                r.next();
                return r.getString(1);
            }
        }
    }

    static int run(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement()) {
            return s.executeUpdate(sql);
        }
    }

    static void table(Connection c, String name, String columns) throws SQLException {
        run(c, "DROP TABLE IF EXISTS " + name);
        run(c, "CREATE TABLE " + name + " (" + columns + ")");
    }

    static void types(Connection c, String name) throws Exception {
        table(c, name, "b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric(12,4), t text, v varchar(10),"
            + " y bytea, d date, ti time, ts timestamp, tz timestamptz, u uuid");
        Object[] values = {true, (short) -32768, 2147483647, Long.MIN_VALUE, 1.5f, 0.1, new BigDecimal("-12345.6700"),
            "naïve 'quoted' \\ text", "ten chars!", new byte[] {0, 1, -1, 39}, LocalDate.of(2024, 2, 29),
            LocalTime.of(23, 59, 59, 999999000), LocalDateTime.of(1999, 12, 31, 23, 59, 59, 123456000),
            OffsetDateTime.of(2024, 6, 1, 12, 0, 0, 0, ZoneOffset.UTC), UUID.fromString("12345678-1234-5678-1234-567812345678")};
        String marks = String.join(", ", Collections.nCopies(values.length, "?"));
        try (PreparedStatement s = c.prepareStatement("INSERT INTO " + name + " VALUES (" + marks + ")")) {
            for (int i = 0; i < values.length; i++) s.setObject(i + 1, values[i]);
            same(s.executeUpdate(), 1);
        }
        // often enough for pgjdbc to prepare on the server and to ask for binary
        for (int turn = 0; turn < 7; turn++) {
            try (PreparedStatement s = c.prepareStatement("SELECT * FROM " + name); ResultSet r = s.executeQuery()) {
                r.next();
                same(r.getBoolean(1), true);
                same(r.getShort(2), (short) -32768);
                same(r.getInt(3), 2147483647);
                same(r.getLong(4), Long.MIN_VALUE);
                same(r.getFloat(5), 1.5f);
                same(r.getDouble(6), 0.1);
                same(r.getBigDecimal(7), new BigDecimal("-12345.6700"));
                same(r.getString(8), values[7]);
                same(r.getString(9), "ten chars!");
                same(Arrays.toString(r.getBytes(10)), Arrays.toString((byte[]) values[9]));
                same(r.getObject(11, LocalDate.class), values[10]);
                same(r.getObject(12, LocalTime.class), values[11]);
                same(r.getObject(13, LocalDateTime.class), values[12]);
                same(r.getObject(14, OffsetDateTime.class).toInstant(), ((OffsetDateTime) values[13]).toInstant());
                same(r.getObject(15, UUID.class), values[14]);
            }
        }
    }

    static void copied(Connection c, String name, String options, String data) throws Exception {
        table(c, name, "id int8, t text, f float8");
        CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
        long n = copy.copyIn("COPY " + name + " FROM STDIN " + options, new ByteArrayInputStream(data.getBytes(StandardCharsets.UTF_8)), 7);
        same(n, 2L);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        copy.copyOut("COPY (SELECT * FROM " + name + " ORDER BY id) TO STDOUT " + options, out);
        same(out.toString(StandardCharsets.UTF_8), data);
    }

    static {
        ALL.put("connect_options", c -> {
            try (Connection o = connect("options", "-c statement_timeout=1234", "ApplicationName", "drivers")) {
                same(one(o, "SHOW statement_timeout"), "1234ms");
                same(one(o, "SHOW application_name"), "drivers");
            }
            same(c.getMetaData().getDatabaseProductName(), "PostgreSQL");
        });
        ALL.put("types_text", c -> {
            try (Connection o = connect("binaryTransfer", "false")) { types(o, "d_pgjdbc_text"); }
        });
        ALL.put("types_binary", c -> types(c, "d_pgjdbc_binary"));
        ALL.put("nulls", c -> {
            table(c, "d_pgjdbc_nulls", "i int4, t text, n numeric, d date");
            try (PreparedStatement s = c.prepareStatement("INSERT INTO d_pgjdbc_nulls VALUES (?, ?, ?, ?)")) {
                s.setNull(1, Types.INTEGER);
                s.setNull(2, Types.VARCHAR);
                s.setNull(3, Types.NUMERIC);
                s.setNull(4, Types.DATE);
                s.executeUpdate();
            }
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT * FROM d_pgjdbc_nulls")) {
                r.next();
                for (int i = 1; i <= 4; i++) same(r.getObject(i), null);
            }
        });
        ALL.put("arrays", c -> {
            table(c, "d_pgjdbc_arrays", "i int4[], t text[]");
            try (PreparedStatement s = c.prepareStatement("INSERT INTO d_pgjdbc_arrays VALUES (?, ?)")) {
                s.setArray(1, c.createArrayOf("int4", new Integer[] {1, null, 3}));
                s.setArray(2, c.createArrayOf("text", new String[] {"a", "quo\"te", "com,ma", null, ""}));
                s.executeUpdate();
            }
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT * FROM d_pgjdbc_arrays")) {
                r.next();
                same(Arrays.toString((Object[]) r.getArray(1).getArray()), "[1, null, 3]");
                same(Arrays.toString((Object[]) r.getArray(2).getArray()), "[a, quo\"te, com,ma, null, ]");
            }
        });
        ALL.put("prepared", c -> {
            try (PreparedStatement s = c.prepareStatement("SELECT ?::int4 + 1 AS n")) {
                same(s.getMetaData().getColumnName(1), "n");
                same(s.getParameterMetaData().getParameterTypeName(1), "int4");
                for (int i = 0; i < 20; i++) {
                    s.setInt(1, i);
                    try (ResultSet r = s.executeQuery()) {
                        r.next();
                        same(r.getInt(1), i + 1);
                    }
                }
            }
        });
        ALL.put("parameters", c -> {
            table(c, "d_pgjdbc_parameters", "id int8 PRIMARY KEY, t text, p float8");
            try (PreparedStatement s = c.prepareStatement("INSERT INTO d_pgjdbc_parameters VALUES (?, ?, ?)")) {
                for (int i = 0; i < 20; i++) {
                    s.setLong(1, i);
                    s.setString(2, "t" + i);
                    s.setDouble(3, i / 4.0);
                    s.addBatch();
                }
                same(Arrays.stream(s.executeBatch()).sum(), 20);
            }
            same(one(c, "SELECT t FROM d_pgjdbc_parameters WHERE id > ? AND p < ? ORDER BY id LIMIT ? OFFSET ?", 3L, 4.5, 2, 1), "t5");
            same(one(c, "DELETE FROM d_pgjdbc_parameters WHERE id = ? RETURNING t", 7L), "t7");
            table(c, "d_pgjdbc_keys", "id bigserial PRIMARY KEY, t text");
            try (PreparedStatement s = c.prepareStatement("INSERT INTO d_pgjdbc_keys (t) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                s.setString(1, "x");
                s.executeUpdate();
                try (ResultSet r = s.getGeneratedKeys()) {
                    same(r.next(), true);
                    same(r.getLong("id"), 1L);
                }
            }
        });
        ALL.put("fetch_size", c -> {
            c.setAutoCommit(false);
            try (Statement s = c.createStatement()) {
                s.setFetchSize(70);
                int n = 0;
                try (ResultSet r = s.executeQuery("SELECT x FROM generate_series(1, 1000) AS g(x)")) {
                    while (r.next()) same(r.getInt(1), ++n);
                }
                same(n, 1000);
            }
            try (Statement s = c.createStatement()) {
                s.setMaxRows(5);
                int n = 0;
                try (ResultSet r = s.executeQuery("SELECT x FROM generate_series(1, 1000) AS g(x)")) {
                    while (r.next()) n++;
                }
                same(n, 5);
            }
            c.commit();
        });
        ALL.put("several_statements", c -> {
            try (Statement s = c.createStatement()) {
                same(s.execute("SELECT 1; SELECT 2"), true);
                same(s.getMoreResults(), true);
                s.getResultSet().next();
                same(s.getResultSet().getInt(1), 2);
            }
        });
        ALL.put("error_sqlstate", c -> {
            fails("42P01", o -> one(o, "SELECT * FROM nothing_here"), c);
            fails("42601", o -> one(o, "SELEC 1"), c);
            fails("22P02", o -> one(o, "SELECT 'x'::int4"), c);
            fails("22003", o -> one(o, "SELECT ? + 1", 2147483647), c);
            fails("22012", o -> one(o, "SELECT 1 / ?", 0), c);
        });
        ALL.put("error_recovery", c -> {
            c.setAutoCommit(false);
            fails("42P01", o -> one(o, "SELECT * FROM nothing_here"), c);
            fails("25P02", o -> one(o, "SELECT 1"), c);
            c.rollback();
            same(one(c, "SELECT 1"), "1");
            Savepoint p = c.setSavepoint("here");
            fails("42P01", o -> one(o, "SELECT * FROM nothing_here"), c);
            c.rollback(p);
            same(one(c, "SELECT 2"), "2");
            c.commit();
        });
        ALL.put("transaction_status", c -> {
            c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            c.setAutoCommit(false);
            same(one(c, "SHOW transaction_isolation"), "repeatable read");
            c.rollback();
        });
        ALL.put("copy_text", c -> copied(c, "d_pgjdbc_copy_text", "", "1\ttab\\tnew\\nline\t0.5\n2\t\\N\t-1\n"));
        ALL.put("copy_csv", c -> copied(c, "d_pgjdbc_copy_csv", "(FORMAT csv)", "1,\"com,ma \"\"quoted\"\"\",0.5\n2,,-1\n"));
        ALL.put("cancel", c -> {
            try (Statement s = c.createStatement()) {
                new Timer(true).schedule(new TimerTask() {
                    public void run() {
                        try { s.cancel(); } catch (SQLException error) { throw new IllegalStateException(error); }
                    }
                }, 500);
                fails("57014", o -> s.executeQuery(SLOW), c);
            }
            try (Statement s = c.createStatement()) {
                s.setQueryTimeout(1);
                fails("57014", o -> s.executeQuery(SLOW), c);
            }
            same(one(c, "SELECT 1"), "1");
        });
        ALL.put("vectors", c -> {
            run(c, "CREATE EXTENSION IF NOT EXISTS vector");
            table(c, "d_pgjdbc_vectors", "id int8 PRIMARY KEY, e vector(3)");
            for (int i = 0; i < 10; i++) {
                PGobject v = new PGobject();
                v.setType("vector");
                v.setValue("[" + i + "," + i / 2.0 + "," + -i + "]");
                try (PreparedStatement s = c.prepareStatement("INSERT INTO d_pgjdbc_vectors VALUES (?, ?)")) {
                    s.setInt(1, i);
                    s.setObject(2, v);
                    s.executeUpdate();
                }
            }
            same(one(c, "SELECT e FROM d_pgjdbc_vectors WHERE id = 3"), "[3,1.5,-3]");
            PGobject q = new PGobject();
            q.setType("vector");
            q.setValue("[4.1,2,-4]");
            same(one(c, "SELECT id FROM d_pgjdbc_vectors ORDER BY e <-> ? LIMIT 3", q), "4");
        });
        ALL.put("notices", c -> {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE IF EXISTS nothing_here");
                same(s.getWarnings().getMessage(), "table \"nothing_here\" does not exist, skipping");
            }
        });
        ALL.put("large_results", c -> {
            long sum = 0;
            try (Statement s = c.createStatement();
                 ResultSet r = s.executeQuery("SELECT x, repeat('x', 100) FROM generate_series(1, 200000) AS g(x)")) {
                while (r.next()) sum += r.getInt(1);
            }
            same(sum, 200000L * 200001 / 2);
        });
        ALL.put("unicode", c -> {
            for (String text : new String[] {"žluťoučký kůň", "日本語", "🪁🐦", "e\u0301", " \t\n", "back\\slash"}) {
                same(one(c, "SELECT ?::text", text), text);
            }
        });
    }

    public static void main(String[] args) {
        for (Map.Entry<String, Behaviour> behaviour : ALL.entrySet()) {
            try (Connection c = connect()) {
                behaviour.getValue().run(c);
                System.out.println("ok " + behaviour.getKey());
            } catch (Throwable error) {
                String why = String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
                System.out.println("not ok " + behaviour.getKey() + ": " + why);
            }
        }
        System.exit(0);
    }
}
