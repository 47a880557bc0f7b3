// HikariCP over pgjdbc: what an application server's pool does with connections.

import com.zaxxer.hikari.*;
import java.sql.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;

public class Main {
    interface Case { void run() throws Exception; }
    static HikariDataSource pool;

    static void run(String name, Case body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Throwable error) {
            Throwable told = error.getCause() != null && error.getMessage() == null ? error.getCause() : error;
            System.out.println("not ok " + name + ": " + String.valueOf(told).replaceAll("\\s+", " "));
        }
    }
    static void same(Object got, Object expected) {
        if (!Objects.equals(got, expected)) throw new AssertionError("got " + got + ", expected " + expected);
    }
    static void yes(boolean condition, Object what) {
        if (!condition) throw new AssertionError(String.valueOf(what));
    }
    static HikariConfig config() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"));
        config.setUsername(System.getenv("PGUSER"));
        config.setPassword(System.getenv("PGPASSWORD"));
        config.setMaximumPoolSize(4);
        config.setMinimumIdle(1);
        return config;
    }
    static HikariDataSource pool(java.util.function.Consumer<HikariConfig> with) {
        HikariConfig config = config();
        with.accept(config);
        return new HikariDataSource(config);
    }
    static String ask(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) {
            r.next();
            return r.getString(1);
        }
    }
    static String ask(String sql) throws SQLException {
        try (Connection c = pool.getConnection()) { return ask(c, sql); }
    }
    static void sql(String text) throws SQLException {
        try (Connection c = pool.getConnection(); Statement s = c.createStatement()) { s.execute(text); }
    }
    static SQLException refused(Case body) throws Exception {
        try { body.run(); } catch (SQLException error) { return error; }
        throw new AssertionError("no error");
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "off");
        pool = pool(config -> { });
        var jar = new java.io.File(HikariDataSource.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (var file = new java.util.jar.JarFile(jar)) {
            System.out.println("version " + file.getManifest().getMainAttributes().getValue("Bundle-Version"));
        }
        sql("DROP TABLE IF EXISTS hk_items");
        sql("CREATE TABLE hk_items (id int PRIMARY KEY, n int NOT NULL)");
        sql("INSERT INTO hk_items SELECT x, 0 FROM generate_series(1, 20) AS g(x)");

        run("select", () -> same(ask("SELECT 1"), "1"));
        run("connections_are_used_again", () -> same(ask("SELECT pg_backend_pid()"), ask("SELECT pg_backend_pid()")));
        run("pool_grows_to_its_size", () -> {
            List<Connection> taken = new ArrayList<>();
            Set<String> pids = new HashSet<>();
            for (int i = 0; i < 4; i++) {
                taken.add(pool.getConnection());
                pids.add(ask(taken.get(i), "SELECT pg_backend_pid()"));
            }
            same(pids.size(), 4);
            same(pool.getHikariPoolMXBean().getActiveConnections(), 4);
            for (Connection c : taken) c.close();
            same(pool.getHikariPoolMXBean().getActiveConnections(), 0);
        });
        run("who_waits_too_long_is_told", () -> {
            try (HikariDataSource small = pool(c -> { c.setMaximumPoolSize(1); c.setConnectionTimeout(300); }); Connection one = small.getConnection()) {
                yes(refused(small::getConnection) instanceof SQLTransientConnectionException, "another error");
            }
        });
        run("who_waits_gets_the_next", () -> {
            try (HikariDataSource small = pool(c -> c.setMaximumPoolSize(1))) {
                Connection one = small.getConnection();
                Future<String> other = ForkJoinPool.commonPool().submit(() -> {
                    try (Connection c = small.getConnection()) { return ask(c, "SELECT 2"); }
                });
                Thread.sleep(100);
                one.close();
                same(other.get(10, TimeUnit.SECONDS), "2");
            }
        });
        run("what_was_not_committed_is_rolled_back", () -> {
            try (Connection c = pool.getConnection()) {
                c.setAutoCommit(false);
                c.createStatement().execute("UPDATE hk_items SET n = 99 WHERE id = 1");
            }
            same(ask("SELECT n FROM hk_items WHERE id = 1"), "0");
        });
        run("auto_commit_is_reset", () -> {
            try (Connection c = pool.getConnection()) { c.setAutoCommit(false); ask(c, "SELECT 1"); }
            try (Connection c = pool.getConnection()) { same(c.getAutoCommit(), true); }
        });
        run("read_only_is_reset", () -> {
            try (Connection c = pool.getConnection()) {
                c.setReadOnly(true);
                c.setAutoCommit(false);
                same(refused(() -> c.createStatement().execute("UPDATE hk_items SET n = 1")).getSQLState(), "25006");
            }
            try (Connection c = pool.getConnection()) { same(c.isReadOnly(), false); }
        });
        run("isolation_is_reset", () -> {
            try (Connection c = pool.getConnection()) {
                c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                same(ask(c, "SHOW transaction_isolation"), "repeatable read");
            }
            same(ask("SHOW transaction_isolation"), "read committed");
        });
        run("isolation_of_the_pool", () -> {
            try (HikariDataSource other = pool(c -> c.setTransactionIsolation("TRANSACTION_REPEATABLE_READ")); Connection c = other.getConnection()) {
                same(ask(c, "SHOW transaction_isolation"), "repeatable read");
            }
        });
        run("schema_of_the_pool", () -> {
            sql("CREATE SCHEMA IF NOT EXISTS hk_schema");
            try (HikariDataSource other = pool(c -> c.setSchema("hk_schema")); Connection c = other.getConnection()) {
                same(c.getSchema(), "hk_schema");
            }
        });
        run("read_only_pool", () -> {
            try (HikariDataSource other = pool(c -> { c.setReadOnly(true); c.setAutoCommit(false); }); Connection c = other.getConnection()) {
                same(refused(() -> c.createStatement().execute("DELETE FROM hk_items")).getSQLState(), "25006");
            }
        });
        run("initial_statement", () -> {
            try (HikariDataSource other = pool(c -> c.setConnectionInitSql("SET application_name = 'hikari'")); Connection c = other.getConnection()) {
                same(ask(c, "SHOW application_name"), "hikari");
            }
        });
        run("test_query", () -> {
            try (HikariDataSource other = pool(c -> c.setConnectionTestQuery("SELECT 1")); Connection c = other.getConnection()) {
                same(ask(c, "SELECT 3"), "3");
            }
        });
        run("validity", () -> { try (Connection c = pool.getConnection()) { same(c.isValid(2), true); } });
        run("a_lost_connection_is_replaced", () -> {
            try (HikariDataSource other = pool(c -> c.setMaximumPoolSize(1))) {
                String pid;
                try (Connection c = other.getConnection()) { pid = ask(c, "SELECT pg_backend_pid()"); }
                same(ask("SELECT pg_terminate_backend(" + pid + ")"), "t");
                Thread.sleep(700); // a connection that was just used is not tested
                try (Connection c = other.getConnection()) { yes(!ask(c, "SELECT pg_backend_pid()").equals(pid), "the same"); }
            }
        });
        run("a_failed_connection_is_evicted", () -> {
            try (HikariDataSource other = pool(c -> c.setMaximumPoolSize(1))) {
                try (Connection c = other.getConnection()) {
                    String pid = ask(c, "SELECT pg_backend_pid()");
                    sql("SELECT pg_terminate_backend(" + pid + ")");
                    Thread.sleep(200);
                    String state = refused(() -> ask(c, "SELECT 1")).getSQLState();
                    yes(Set.of("57P01", "08006").contains(state), state);
                }
                try (Connection c = other.getConnection()) { same(ask(c, "SELECT 4"), "4"); }
            }
        });
        run("an_error_keeps_the_connection", () -> {
            String pid = ask("SELECT pg_backend_pid()");
            try (Connection c = pool.getConnection()) { same(refused(() -> ask(c, "SELECT 1 / 0")).getSQLState(), "22012"); }
            same(ask("SELECT pg_backend_pid()"), pid);
        });
        run("network_timeout", () -> {
            try (Connection c = pool.getConnection()) {
                c.setNetworkTimeout(Runnable::run, 300);
                refused(() -> ask(c, "SELECT pg_sleep(5)"));
            }
            same(ask("SELECT 5"), "5");
        });
        run("query_timeout", () -> {
            try (Connection c = pool.getConnection(); Statement s = c.createStatement()) {
                s.setQueryTimeout(1);
                same(refused(() -> s.executeQuery("SELECT pg_sleep(10)")).getSQLState(), "57014");
            }
        });
        run("prepared_statements_last", () -> {
            try (Connection c = pool.getConnection()) {
                for (int i = 1; i <= 20; i++) {
                    try (PreparedStatement s = c.prepareStatement("SELECT id FROM hk_items WHERE id = ?")) {
                        s.setInt(1, i);
                        ResultSet r = s.executeQuery();
                        yes(r.next() && r.getInt(1) == i, i);
                    }
                }
            }
        });
        run("many_threads", () -> {
            ExecutorService threads = Executors.newFixedThreadPool(16);
            AtomicInteger done = new AtomicInteger();
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                int id = 1 + i % 20;
                all.add(threads.submit(() -> {
                    try (Connection c = pool.getConnection(); PreparedStatement s = c.prepareStatement("UPDATE hk_items SET n = n + 1 WHERE id = ?")) {
                        s.setInt(1, id);
                        done.addAndGet(s.executeUpdate());
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) one.get(60, TimeUnit.SECONDS);
            threads.shutdown();
            same(done.get(), 200);
            same(ask("SELECT sum(n) FROM hk_items"), "200");
        });
        run("batches", () -> {
            try (Connection c = pool.getConnection(); PreparedStatement s = c.prepareStatement("INSERT INTO hk_items VALUES (?, 0)")) {
                c.setAutoCommit(false);
                for (int i = 100; i < 300; i++) { s.setInt(1, i); s.addBatch(); }
                same(s.executeBatch().length, 200);
                c.commit();
            }
            same(ask("SELECT count(*) FROM hk_items WHERE id >= 100"), "200");
        });
        run("wrong_password", () -> {
            HikariConfig config = config();
            config.setPassword("wrong");
            config.setUsername("hk_nobody");
            config.setInitializationFailTimeout(1);
            try (HikariDataSource other = new HikariDataSource(config)) {
                throw new AssertionError("let in");
            } catch (RuntimeException error) {
                yes(error.getCause() instanceof SQLException || error.getMessage().contains("role"), error);
            }
        });
        run("eviction", () -> {
            String pid = ask("SELECT pg_backend_pid()");
            pool.getHikariPoolMXBean().softEvictConnections();
            Thread.sleep(300);
            yes(!ask("SELECT pg_backend_pid()").equals(pid), "the same connection");
        });
        run("close", () -> {
            pool.close();
            refused(() -> ask("SELECT 1"));
        });
    }
}
